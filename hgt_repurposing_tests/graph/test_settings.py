import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.settings import IN_WORDS, SETTINGS, Setting, Treated

# Drug 0 treats disease 0 and drug 1 both; drug 2 treats nothing, and nothing treats disease 2.
TABLE = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=np.float64)
every_setting = pytest.mark.parametrize("setting", SETTINGS)
tables = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.sampled_from([0.0, 1.0]))


def of(table: FloatArray) -> Treated:
    return Treated.of(csr_array(table))


def test_treated_are_the_ends_of_a_visible_treatment() -> None:
    treated = of(TABLE)
    assert treated.drugs.tolist() == [True, True, False]
    assert treated.diseases.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("pair", "setting"),
    [
        ((0, 0), "warm pair"),  # a known treatment is in a setting too
        ((0, 1), "warm pair"),
        ((0, 2), "cold disease"),
        ((2, 0), "cold drug"),
        ((2, 2), "cold pair"),
    ],
)
def test_which_ends_are_treated_decides_the_setting(pair: tuple[int, int], setting: Setting) -> None:
    (number,) = of(TABLE).settings_of(np.array([pair]).T)
    assert SETTINGS[number] == setting


@given(tables)
def test_the_grid_says_the_same_as_each_of_its_pairs(table: FloatArray) -> None:
    treated = of(table)
    pairs = np.indices(table.shape).reshape(2, -1)
    diseases = np.arange(table.shape[1])[::-1]
    expected = treated.settings_of(pairs).reshape(table.shape)[:, diseases]
    np.testing.assert_array_equal(treated.grid(diseases), expected)


@given(tables)
def test_every_cell_of_the_grid_is_in_exactly_one_setting(table: FloatArray) -> None:
    treated = of(table)
    count = np.zeros(table.shape, dtype=np.int64)
    for number, setting in enumerate(SETTINGS):
        ends = np.ix_(*treated.ends_in(setting))
        count[ends] += 1
        assert (treated.settings_of(ends) == number).all()
    assert (count == 1).all()


@given(tables)
def test_hiding_a_treatment_never_warms_an_end(table: FloatArray) -> None:
    before, after = of(table), of(table * (np.cumsum(table).reshape(table.shape) != 1))  # without the first one
    assert not (after.drugs & ~before.drugs).any()
    assert not (after.diseases & ~before.diseases).any()


@every_setting
def test_where_nothing_is_treated_every_pair_is_cold(setting: Setting) -> None:
    drugs, diseases = of(np.zeros((2, 3))).ends_in(setting)
    assert bool(len(drugs) * len(diseases)) == (setting == "cold pair")


def test_every_setting_is_put_in_words() -> None:
    assert tuple(IN_WORDS) == SETTINGS
