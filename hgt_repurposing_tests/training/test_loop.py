"""Training: it learns, it repeats, it accumulates, and it says what is wrong."""

from collections.abc import Callable, Generator, Iterable

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.data import HeteroData

from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.embeddings.validation import ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, TherapeuticRelations
from hgt_repurposing.model.attention_compiled import CompiledBackend
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.sampling.edge_sampling import FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.training import loop, step
from hgt_repurposing.training.loop import EpochResult, TrainingResult, fit, untrained
from hgt_repurposing.training.step import Batches, Prepared, losses
from hgt_repurposing_tests.training.runs import SMALL, STRATEGIES, assert_same_run, same_weights, small

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


# learning


@every_strategy
def test_loss_starts_near_that_of_a_chance_model_and_falls(demo_data: HeteroData, strategy: str) -> None:
    history = fit(demo_data, small(STRATEGIES[strategy], num_epochs=15, accumulation_steps=1)).history
    assert 0.6 < history["loss"].iloc[0] < 0.95  # log 2 = 0.69, and a little for scores that are not yet zero
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] - 0.05


def test_the_full_graph_trains_on_the_cpu_and_passes_messages_over_most_edges(data: HeteroData) -> None:
    result = fit(data, small(use_batched_mps=False, device="auto", num_epochs=1))
    assert result.device == "cpu"
    num_edges = sum(data[names].edge_index.shape[1] for names in data.edge_types)
    # 200 of each type are hidden, and their reverses.
    assert result.history["num_messages"].iloc[0] >= num_edges - 2 * 200 * len(data.edge_types)


def test_a_full_graph_epoch_is_one_batch_whatever_the_accumulation(data: HeteroData) -> None:
    runs = (fit(data, small(use_batched_mps=False, accumulation_steps=steps)) for steps in (1, 4))
    assert_same_run(*runs)


def test_identical_inputs_collapse_and_learned_ones_do_not(data: HeteroData, demo_graph: KnowledgeGraph) -> None:
    params = small(embedding_dim=64, hidden_dim=64, num_epochs=20, num_heads=8, accumulation_steps=1)
    verdicts = {}
    for node_inputs in ("table", "identical"):
        model = fit(data, params.model_copy(update={"node_inputs": node_inputs})).model
        embeddings = embed_all_nodes(model, data, demo_graph.nodes)
        verdicts[node_inputs] = validate_embeddings(embeddings, ValidationThresholds()).verdict
    assert verdicts == {"table": "good", "identical": "collapsed"}


KINDS: dict[str, dict[str, object]] = {
    "mean": {"encoder": "mean"},
    "no messages": {"encoder": "none"},
    "fingerprints": {"node_inputs": "fastrp"},
    "fingerprints alone": {"encoder": "none", "node_inputs": "fastrp"},
    "softmax": {"loss": "softmax", "num_negatives": 5, "negatives": "degree"},
    "dot product": {"decoder": "dot", "learning_rate": 0.003},
    "balanced": {"relation_weighting": "balanced"},
    "proportional": {"relation_weighting": "proportional"},
    "one cycle": {"learning_rate_schedule": "one_cycle", "gradient_clip": 1.0, "weight_decay": 0.01},
}
"""What can be chosen beside the strategies."""


@every_strategy
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_and_loss_learns_and_survives_its_parts(data: HeteroData, kind: str, strategy: str) -> None:
    # The loss of few seed nodes goes up and down by .02: it takes more epochs, of one batch each.
    sizes = {"num_epochs": 15, "accumulation_steps": 1} if strategy == "neighbor" else {"num_epochs": 6}
    result = fit(data, small(STRATEGIES[strategy] | KINDS[kind] | sizes))
    ends = 3 if strategy == "neighbor" else 2
    assert result.history["loss"].iloc[-ends:].mean() < result.history["loss"].iloc[:ends].mean() - 0.01
    back = TrainingResult.from_parts(result.to_parts())
    assert back.model.shape == result.model.shape
    assert same_weights(back, result)


@pytest.mark.parametrize("kind", KINDS)
def test_the_untrained_model_is_the_one_that_training_begins_with(
    data: HeteroData, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = small(KINDS[kind], num_epochs=1)
    monkeypatch.setattr(loop, "learning_rate_at", lambda *_: 0.0)
    first, begun = untrained(data, params), fit(data, params).model
    assert first.network.state_dict().keys() == begun.network.state_dict().keys()
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, begun.network.state_dict()[name])


def test_a_clipped_update_is_shorter(data: HeteroData) -> None:
    def moved(**more: object) -> float:
        params = small(more, num_epochs=2)  # the first step of Adam has one length whatever the gradient
        before, after = untrained(data, params).network.state_dict(), fit(data, params).model.network.state_dict()
        return float(sum((after[name] - value).norm() for name, value in before.items()))

    assert moved(gradient_clip=1e-9) < 0.9 * moved()  # so short that Adam's epsilon of 1e-8 shows


@pytest.mark.parametrize("num_negatives", [1, 3])
def test_every_true_edge_meets_as_many_corrupted_ones_as_asked_for(data: HeteroData, num_negatives: int) -> None:
    prepared = Batches.of_graph(data, small(num_negatives=num_negatives)).prepare(0)
    assert prepared.negative_target.shape == (prepared.positives.source.numel(), num_negatives)
    history = fit(data, small(num_negatives=num_negatives, num_epochs=1)).history
    assert 0.6 < history["loss"].iloc[0] < 0.95  # half and half, however many they are


def test_the_full_sampler_supervises_at_most_k_edges_per_type(data: HeteroData) -> None:
    flat = FlatGraph.from_hetero_data(data)
    sampler = FullGraphSampler(flat, num_edges_per_type=10, num_negatives=1, seed=0)
    assert sampler.sample(0).positives.relation.bincount().max() <= 10


# repeating


@every_strategy
def test_one_seed_gives_the_same_run_bit_for_bit(data: HeteroData, strategy: str) -> None:
    params = small(STRATEGIES[strategy])
    assert_same_run(fit(data, params), fit(data, params))


def test_dropout_repeats_bit_for_bit_and_is_on(data: HeteroData) -> None:
    first, second = (fit(data, small(dropout=0.3)) for _ in range(2))
    assert_same_run(first, second)
    assert not same_weights(first, fit(data, SMALL))


def draw_from_torch(_: EpochResult) -> None:
    torch.rand(3)


def test_dropout_does_not_depend_on_what_else_draws_random_numbers(data: HeteroData) -> None:
    noisy = fit(data, small(dropout=0.3), on_epoch=draw_from_torch)
    assert same_weights(noisy, fit(data, small(dropout=0.3)))


def test_dropout_ends_with_training(data: HeteroData, demo_graph: KnowledgeGraph) -> None:
    model = fit(data, small(dropout=0.5)).model
    first, second = (embed_all_nodes(model, data, demo_graph.nodes).vectors for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_gives_other_weights(data: HeteroData) -> None:
    first, second = (fit(data, small(seed=seed)) for seed in (1, 2))
    assert not same_weights(first, second)


def plain_calls(draw: Callable[[int], Prepared], steps: Iterable[int]) -> Generator[Prepared, None, None]:
    """What drawing ahead stands for."""
    for number in steps:
        yield draw(number)


@every_strategy
def test_drawing_ahead_changes_nothing(data: HeteroData, strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    params = small(STRATEGIES[strategy], dropout=0.1, contrastive_weight=0.1)
    ahead = fit(data, params)
    monkeypatch.setattr(loop, "prefetched", plain_calls)
    assert_same_run(fit(data, params), ahead)


def test_training_does_not_change_its_input(data: HeteroData) -> None:
    before = {names: data[names].edge_index.clone() for names in data.edge_types}
    fit(data, SMALL)
    assert all(torch.equal(before[names], data[names].edge_index) for names in data.edge_types)


# accumulating


def test_an_update_follows_the_mean_of_its_batches(data: HeteroData, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same gradient as that of one loss over all of them, for the weights that the seed gives."""
    seen: list[torch.Tensor] = []

    class Recording(torch.optim.AdamW):
        def step(self, closure: None = None) -> None:  # type: ignore[override]  # as training calls it
            assert closure is None
            seen.extend(p.grad.clone() for group in self.param_groups for p in group["params"])
            super().step()

    monkeypatch.setattr(torch.optim, "AdamW", Recording)
    params = small(num_epochs=1, accumulation_steps=3)
    fit(data, params)
    batches = Batches.of_graph(data, params)
    generator = torch.Generator().manual_seed(params.seed)
    model = HGTModel.build(batches.graph.metadata, params.shape, generator=generator)
    drawn = [losses(model, batches.prepare(i), params, backend=CompiledBackend())[0] for i in range(3)]
    torch.stack(drawn).mean().backward()
    for ours, parameter in zip(seen, model.network.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-4, atol=1e-7)  # sums in another order, float32


# reporting


def test_every_epoch_is_reported_with_memory(data: HeteroData) -> None:
    seen: list[EpochResult] = []
    result = fit(data, SMALL, on_epoch=seen.append)
    assert [epoch.epoch for epoch in seen] == [1, 2, 3]
    assert all(0 < epoch.allocated_gb <= epoch.peak_gb for epoch in seen)
    pd.testing.assert_frame_equal(result.history, pd.DataFrame(seen))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("epoch", 1, r"column 'epoch' must count from 1 \(got 1 in row 2\)"),
        ("loss", np.nan, r"column 'loss' must have no missing value \(got one in row 1\)"),
        ("loss", np.inf, r"column 'loss' must be finite \(got inf in row 1\)"),
        ("num_nodes", 2.0, r"column 'num_nodes' must be int64 \(got float64\)"),
        ("peak_gb", -1.0, r"column 'peak_gb' must be at least 0 \(got -1.0 in row 1\)"),
    ],
)
def test_a_history_that_breaks_a_rule_is_refused(column: str, value: float, said: str) -> None:
    history = pd.DataFrame([EpochResult(epoch, 0.7, 0.69, 0.1, 9, 20, 0.3, 0.0, 0.4) for epoch in (1, 2)])
    model = HGTModel.__new__(HGTModel)
    assert TrainingResult(model, history, "cpu").history is history
    with pytest.raises(ValueError, match=rf"^a training history: {said}$"):
        TrainingResult(model, history.assign(**{column: value}), "cpu")


@pytest.mark.parametrize(
    ("strategy", "name"), [("edge", "edge sampling"), ("neighbor", "neighbor sampling"), ("full graph", "full graph")]
)
def test_the_bar_names_the_way_of_training(
    data: HeteroData, strategy: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(data, small(STRATEGIES[strategy], num_epochs=1))
    assert f"Training HGT ({name})" in capsys.readouterr().err


def test_a_result_survives_its_parts(data: HeteroData, demo_graph: KnowledgeGraph) -> None:
    result = fit(data, SMALL)
    back = TrainingResult.from_parts(result.to_parts())
    ours, theirs = (embed_all_nodes(r.model, data, demo_graph.nodes) for r in (result, back))
    assert np.array_equal(ours.vectors, theirs.vectors)
    assert back.device == "cpu"


# a loss that is not finite


def two_worlds() -> HeteroData:
    """Genes bind drugs in one component, diseases have phenotypes in the other; phenotypes come with a NaN."""
    parts = [(f"{kind[0]}{i}", kind) for kind in ("drug", "gene/protein", "disease", "phenotype") for i in range(6)]
    nodes = [(kind, name, name) for name, kind in parts]
    edges = [
        (source, f"{source[0]}{i}", relation, target, f"{target[0]}{(i + shift) % 6}")
        for source, relation, target in (
            ("drug", "drug_protein", "gene/protein"),
            ("disease", "disease_phenotype", "phenotype"),
        )
        for i in range(6)
        for shift in range(3)
    ]
    nodes += [("drug", "treats", "treats"), ("disease", "treated", "treated")]
    edges += [("drug", "treats", "indication", "disease", "treated")]
    graph = build_knowledge_graph(
        pd.DataFrame(nodes, columns=list(NODE_COLUMNS)),
        pd.DataFrame(edges, columns=list(EDGE_COLUMNS)),
        therapeutic=TherapeuticRelations(),
    )
    return to_hetero_data(message_graph(graph), features={"phenotype": np.full((6, 2), np.nan)})


def test_a_loss_that_is_not_finite_names_the_epoch_and_the_edge_type() -> None:
    message = (
        r"^loss is nan in epoch 1, first at \(?.*(disease|phenotype).*, in 2 edge types: lower learning_rate "
        r"\(it is 0\.01\), or check the node features for non-finite values$"
    )
    with pytest.raises(ValueError, match=message) as caught:
        fit(two_worlds(), small(edge_sample_size=10))
    assert "drug" not in str(caught.value)


def test_a_contrastive_loss_that_is_not_finite_is_told_from_link_prediction(
    data: HeteroData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "contrastive_loss", lambda embeddings, _: embeddings.sum() * torch.inf)
    with pytest.raises(ValueError, match=r"^loss is -?inf in epoch 1, in the contrastive loss: lower learning_rate"):
        fit(data, small(contrastive_weight=1))


def test_the_epoch_named_is_the_one_where_it_happened(data: HeteroData, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def spoilt(*given: object, **more: object) -> tuple[torch.Tensor, torch.Tensor]:
        loss, terms = losses(*given, **more)  # type: ignore[arg-type]  # what training hands over
        calls.append(len(calls))
        return (loss, terms) if len(calls) <= 4 else (loss * torch.nan, terms * torch.nan)

    monkeypatch.setattr(loop, "losses", spoilt)
    with pytest.raises(ValueError, match="loss is nan in epoch 3, first at"):
        fit(data, SMALL)


# memory over many epochs


@pytest.mark.slow
def test_memory_does_not_creep_over_many_epochs(data: HeteroData) -> None:
    held = fit(data, small(num_epochs=60, edge_sample_size=20)).history["allocated_gb"]
    first, last = held.iloc[:20].median(), held.iloc[40:].median()
    assert last - first < 0.01  # GiB: 10 MiB over 40 epochs; a lost batch of each would be more
