"""Training: it learns, it repeats, it accumulates, and it says what is wrong."""

import pytest
import torch
from torch_geometric.data import HeteroData

from hgt_repurposing.embeddings.inference import embed_all_nodes
from hgt_repurposing.embeddings.validation import ValidationThresholds, validate_embeddings
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split import message_graph
from hgt_repurposing.model.attention import plan_edges
from hgt_repurposing.sampling.edge_sampling import FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.training.device import pick_device, read_memory
from hgt_repurposing.training.loop import EpochResult, TrainingResult, fit
from hgt_repurposing.training.params import EmbeddingParams

SMALL = EmbeddingParams(
    embedding_dim=24,
    hidden_dim=16,
    num_heads=2,
    num_epochs=3,
    edge_sample_size=200,
    accumulation_steps=2,
    learning_rate=0.01,
    device="cpu",
)


@pytest.fixture(scope="module")
def data(demo_graph: KnowledgeGraph) -> HeteroData:
    return to_hetero_data(message_graph(demo_graph))


def weights(result: TrainingResult) -> dict[str, torch.Tensor]:
    return result.model.network.state_dict()


def test_loss_starts_at_that_of_a_blind_model_and_falls(data: HeteroData) -> None:
    history = fit(data, SMALL.model_copy(update={"num_epochs": 15})).history
    assert 0.6 < history["loss"].iloc[0] < 0.9
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] - 0.05


@pytest.mark.parametrize("batched", [True, False])
def test_one_seed_gives_the_same_weights_bit_for_bit(data: HeteroData, *, batched: bool) -> None:
    params = SMALL.model_copy(update={"use_batched_mps": batched})
    first, second = weights(fit(data, params)), weights(fit(data, params))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_gives_other_weights(data: HeteroData) -> None:
    first, second = (fit(data, SMALL.model_copy(update={"seed": seed})) for seed in (1, 2))
    assert not torch.equal(first.model.encoder.input, second.model.encoder.input)


def test_training_does_not_change_its_input(data: HeteroData) -> None:
    before = {names: data[names].edge_index.clone() for names in data.edge_types}
    fit(data, SMALL)
    assert all(torch.equal(before[names], data[names].edge_index) for names in data.edge_types)


def test_every_epoch_is_reported_with_memory(data: HeteroData) -> None:
    seen: list[EpochResult] = []
    result = fit(data, SMALL, on_epoch=seen.append)
    assert [epoch.epoch for epoch in seen] == [1, 2, 3]
    assert result.history["epoch"].tolist() == [1, 2, 3]
    assert all(0 < epoch.allocated_gb <= epoch.peak_gb for epoch in seen)


def test_the_bar_names_the_way_of_training(data: HeteroData, capsys: pytest.CaptureFixture[str]) -> None:
    fit(data, SMALL)
    assert "Training HGT (batched)" in capsys.readouterr().err
    fit(data, SMALL.model_copy(update={"use_batched_mps": False, "num_epochs": 1}))
    assert "Training HGT (full graph)" in capsys.readouterr().err


def test_the_full_graph_trains_on_the_cpu(data: HeteroData) -> None:
    result = fit(data, SMALL.model_copy(update={"use_batched_mps": False, "device": "auto", "num_epochs": 1}))
    assert result.device == "cpu"
    assert result.history["num_messages"].iloc[0] > SMALL.edge_sample_size * len(data.edge_types)


def test_a_loss_that_is_not_finite_stops_training(data: HeteroData) -> None:
    data = data.clone()
    data["drug"].x = torch.full((data["drug"].num_nodes, 2), torch.nan)
    with pytest.raises(ValueError, match="loss is nan in epoch 1: lower learning_rate"):
        fit(data, SMALL)


def test_a_result_survives_its_parts(data: HeteroData, demo_graph: KnowledgeGraph) -> None:
    result = fit(data, SMALL)
    back = TrainingResult.from_parts(result.to_parts())
    ours, theirs = (embed_all_nodes(r.model, data, demo_graph.nodes, node_batch_size=500) for r in (result, back))
    assert (ours.vectors == theirs.vectors).all()


@pytest.mark.parametrize("node_batch_size", [1, 7, 1024, 100_000])
def test_embedding_in_blocks_equals_the_forward_pass_over_the_whole_graph(
    toy_graph: KnowledgeGraph, node_batch_size: int
) -> None:
    data = to_hetero_data(message_graph(toy_graph))
    model = fit(data, SMALL.model_copy(update={"num_epochs": 1})).model
    blocks = embed_all_nodes(model, data, toy_graph.nodes, node_batch_size=node_batch_size)
    graph = FlatGraph.from_hetero_data(data)
    counts = torch.tensor([sources.numel() for sources in graph.sources])
    relation = torch.arange(graph.num_relations).repeat_interleave(counts)
    plan = plan_edges(
        torch.cat(graph.sources),
        torch.cat(graph.targets),
        relation,
        num_relations=graph.num_relations,
        num_targets=graph.num_nodes,
    )
    with torch.inference_mode():
        whole = model.encoder(torch.arange(graph.num_nodes), graph.type_ptr, plan, {})
    # sums in another order, float32
    torch.testing.assert_close(torch.from_numpy(blocks.vectors), whole, rtol=1e-4, atol=1e-5)


def test_a_model_of_another_graph_is_refused(data: HeteroData, toy_graph: KnowledgeGraph) -> None:
    toy = to_hetero_data(message_graph(toy_graph))
    model = fit(toy, SMALL.model_copy(update={"num_epochs": 1})).model
    with pytest.raises(ValueError, match="trained on another graph"):
        embed_all_nodes(model, data, toy_graph.nodes, node_batch_size=10)


def test_identical_inputs_collapse_and_learned_ones_do_not(data: HeteroData, demo_graph: KnowledgeGraph) -> None:
    params = SMALL.model_copy(update={"embedding_dim": 64, "hidden_dim": 64, "num_epochs": 20, "num_heads": 8})
    verdicts = {}
    for node_inputs in ("learned", "identical"):
        model = fit(data, params, node_inputs=node_inputs).model
        embeddings = embed_all_nodes(model, data, demo_graph.nodes, node_batch_size=1024)
        verdicts[node_inputs] = validate_embeddings(embeddings, ValidationThresholds()).verdict
    assert verdicts == {"learned": "good", "identical": "collapsed"}


def test_accumulated_batches_give_the_gradient_of_their_mean(data: HeteroData) -> None:
    """With one full-graph-sized batch per step, two steps of half the loss move the weights as their mean does."""
    once = fit(data, SMALL.model_copy(update={"num_epochs": 1, "accumulation_steps": 1}))
    twice = fit(data, SMALL.model_copy(update={"num_epochs": 1, "accumulation_steps": 2}))
    moved = [(weights(r)["encoder.input"] - torch.zeros(())).norm() for r in (once, twice)]
    # Adam's first step has length learning_rate per coordinate whatever the scale: accumulation must not double it.
    assert abs(float(moved[0] - moved[1])) < 0.01 * float(moved[0])


def test_a_device_that_is_not_there_is_named() -> None:
    missing = next((name for name in ("cuda", "mps") if not _available(name)), None)
    if missing is None:
        pytest.skip("this machine has both CUDA and MPS")
    with pytest.raises(ValueError, match=f"device '{missing}' is not available on this machine"):
        pick_device(missing)  # type: ignore[arg-type]


def test_memory_of_the_process_is_read() -> None:
    reading = read_memory(torch.device("cpu"))
    assert 0.05 < reading.allocated <= reading.peak * 1.1


def _available(name: str) -> bool:
    return torch.cuda.is_available() if name == "cuda" else torch.backends.mps.is_available()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden_dim": 100}, "hidden_dim must be divisible by num_heads"),
        ({"num_neighbors": [10, 0]}, "num_neighbors must hold positive numbers"),
        ({"use_batched_mps": False, "device": "mps"}, "set device to auto or cpu"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"edge_sample": 3}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddingParams.model_validate(wrong)


def test_the_parameters_have_the_published_defaults() -> None:
    assert EmbeddingParams().model_dump() == {
        "use_batched_mps": True,
        "embedding_dim": 512,
        "hidden_dim": 256,
        "num_layers": 2,
        "num_heads": 8,
        "num_epochs": 100,
        "learning_rate": 0.001,
        "edge_sample_size": 5000,
        "node_batch_size": 1024,
        "accumulation_steps": 8,
        "num_neighbors": [10, 10],
        "seed": 42,
        "device": "auto",
    }


def test_the_full_sampler_supervises_at_most_k_edges_per_type(data: HeteroData) -> None:
    flat = FlatGraph.from_hetero_data(data)
    sampler = FullGraphSampler(flat, num_edges_per_type=10, generator=torch.Generator().manual_seed(0))
    assert sampler.sample_subgraph().positives.relation.bincount().max() <= 10
