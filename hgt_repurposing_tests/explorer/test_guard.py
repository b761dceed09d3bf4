"""Who may ask: names of this machine, as long as nobody else can."""

import pytest

from hgt_repurposing.explorer.guard import LOOPBACK_NAMES, hosts_of, is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert hosts_of(host) == LOOPBACK_NAMES | {host}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "lab.example", "localhost.evil.example", ""])  # noqa: S104
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)
    assert hosts_of(host) is None
