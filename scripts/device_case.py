"""What `check_device.py` checks a device with: a graph, a model, batches, and the expected results.

Expected values are computed in float64 on the CPU and share as little code as possible with what they check. A layer is
compared with PyG's `HGTConv`. The gradients of the model are computed in chunks of edges, with a scorer written as a
formula, from a padded batch in which every layer computes every node, while training on a CPU skips nodes that no
output needs.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import HeteroData

from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.model.attention import AttentionBackend, BackendName, backend_for
from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.model.decoder import LinkDecoder
from hgt_repurposing.model.edge_plan import LayerPlan, block_sizes, plan_layers
from hgt_repurposing.model.hgt import HGTLayer
from hgt_repurposing.model.trained import HGTModel
from hgt_repurposing.process_memory import GIB
from hgt_repurposing.sampling.edge_sampling import EdgeSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing.training.device import ComputeDevice, PeakWatch
from hgt_repurposing.training.loop import TrainingResult, fit
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches, Prepared, losses

CPU = ComputeDevice(torch.device("cpu"))
SMALL_CHUNK = 64
"""Edges per chunk: few enough that a relation of a small batch needs several chunks."""
GIB_IN_MIB = GIB / 2**20


@dataclass(frozen=True, eq=False)
class Engine:
    """A device and the attention backend that runs on it."""

    name: str
    device: ComputeDevice
    backend: AttentionBackend

    @classmethod
    def make(cls, device: ComputeDevice, backend: BackendName, *, chunk_edges: int) -> "Engine":
        """An engine, named after its device and backend."""
        name = f"cpu, {backend}" if device.name == "cpu" else device.name
        return cls(name, device, backend_for(device.torch, backend, chunk_edges=chunk_edges))


def engines_of(device: ComputeDevice, *, chunk_edges: int = SMALL_CHUNK) -> list[Engine]:
    """Both CPU backends, then the device's backend if the device is not the CPU."""
    compiled = Engine.make(CPU, "compiled", chunk_edges=chunk_edges)
    chunked = [Engine.make(place, "chunked", chunk_edges=chunk_edges) for place in dict.fromkeys((CPU, device))]
    return [compiled, *chunked]


class LayerRun(NamedTuple):
    """Result of a layer."""

    output: Tensor
    gradients: dict[str, Tensor]
    """Keyed by parameter name, and `input`."""


class TrainingRun(NamedTuple):
    """A training and its peak memory above the start."""

    result: TrainingResult
    peak_mib: float


@dataclass(frozen=True, eq=False)
class Case:
    """A graph, the sizes of model and batches, and a device."""

    graph: KnowledgeGraph
    params: EmbeddingParams
    """Training uses `num_epochs` batches."""
    device: ComputeDevice

    @cached_property
    def data(self) -> HeteroData:
        """The message graph."""
        return to_hetero_data(message_graph(self.graph))

    @cached_property
    def flat(self) -> FlatGraph:
        """The same as arrays."""
        return FlatGraph.from_hetero_data(self.data)

    @cached_property
    def model(self) -> HGTModel:
        """With noise on every weight: an error in a weight of exactly 0 or 1 could go unnoticed."""
        generator = torch.Generator().manual_seed(self.params.seed)
        model = HGTModel.build(self.flat.metadata, self.params.shape, generator=generator)
        for parameter in model.network.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
        return model

    @property
    def layer(self) -> HGTLayer:
        """The first layer of the model."""
        layer = self.model.encoder.layers[0]
        assert isinstance(layer, HGTLayer)
        return layer

    @cached_property
    def mini_graph(self) -> MiniBatch:
        """The first batch, before padding and before anything is left out."""
        size, seed = self.params.edge_sample_size, self.params.seed
        return EdgeSampler(self.flat, num_edges_per_type=size, num_negatives=1, seed=seed).sample(0)

    @cached_property
    def layer_input(self) -> Tensor:
        """Shape [num_nodes, hidden_dim]."""
        shape = self.mini_graph.num_nodes, self.params.hidden_dim
        return torch.randn(shape, generator=torch.Generator().manual_seed(self.params.seed))

    @cached_property
    def layer_plan(self) -> LayerPlan:
        """One layer over all nodes of the mini graph, as `HGTConv` computes it."""
        batch, number = self.mini_graph, self.flat.num_relations
        return plan_layers(*batch.messages, type_ptr=batch.type_ptr, num_relations=number, num_layers=1).layers[0]

    def batches(self, *, padded: bool) -> Batches:
        """Batches as in training."""
        return Batches.of_graph(self.data, self.params, fixed_shapes=padded)

    def batch_for(self, device: ComputeDevice) -> Prepared:
        """The first batch of a training on a device, still on the CPU."""
        return self.batches(padded=device.wants_fixed_shapes).prepare(0)

    @cached_property
    def expected_layer(self) -> LayerRun:
        """The layer computed by PyG."""
        metadata = self.flat.metadata
        conv = self.layer.to_pyg(metadata.node_types, [(*ends,) for ends in metadata.relations]).double()
        x = self.layer_input.double().requires_grad_()
        parts = x.split(block_sizes(self.mini_graph.type_ptr))
        outputs = conv(dict(zip(conv.node_types, parts, strict=True)), _edges_by_relation(self.mini_graph, self.flat))
        output = torch.cat([outputs[name] for name in conv.node_types])
        _scalar_of(output).backward()
        for parameter in conv.parameters():  # to rename PyG's gradients to our parameter names
            parameter.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        gradients = dict(HGTLayer.from_pyg(conv).named_parameters())
        assert x.grad is not None
        return LayerRun(output.detach(), {**gradients, "input": x.grad})

    def run_layer(self, engine: Engine) -> LayerRun:
        """The layer computed by an engine."""
        layer = copy.deepcopy(self.layer).to(engine.device.torch)
        x = self.layer_input.clone().to(engine.device.torch).requires_grad_()
        output = layer(x, self.layer_plan.to(engine.device.torch), backend=engine.backend)
        _scalar_of(output).backward()
        assert x.grad is not None
        return LayerRun(output.detach(), {**_gradients(layer), "input": x.grad})

    def expected_embeddings(self, prepared: Prepared) -> Tensor:
        """Output of the encoder for a batch on the CPU. Shape [num_outputs, embedding_dim]."""
        return embed(moved(self.model, CPU, torch.float64), prepared, ChunkedBackend(SMALL_CHUNK))

    @cached_property
    def expected_gradients(self) -> dict[str, Tensor]:
        """Gradients of the loss of the first batch with respect to all parameters."""
        model = moved(self.model, CPU, torch.float64)
        assert isinstance(model.decoder, LinkDecoder)
        model.network["decoder"] = PlainDecoder.like(model.decoder)
        losses(model, self.batches(padded=True).prepare(0), self.params, backend=ChunkedBackend())[0].backward()
        return _gradients(model.network)

    def run_gradients(self, engine: Engine) -> dict[str, Tensor]:
        """The same gradients, computed by an engine."""
        model = moved(self.model, engine.device)
        prepared = self.batch_for(engine.device).to(engine.device.torch)
        losses(model, prepared, self.params, backend=engine.backend)[0].backward()
        return _gradients(model.network)

    @cached_property
    def first_training(self) -> TrainingRun:
        """Training on the device, as in the pipeline."""
        with PeakWatch(self.device) as memory:
            result = self.train()
        return TrainingRun(result, memory.peak_above_start * GIB_IN_MIB)

    def train(self) -> TrainingResult:
        """Train; every call uses the same seed."""
        return fit(self.data, self.params.model_copy(update={"device": self.device.name}))


class PlainDecoder(LinkDecoder):
    """The link scorer as a plain formula, differentiated by torch."""

    @classmethod
    def like(cls, decoder: LinkDecoder) -> "PlainDecoder":
        """A plain decoder with the same weights."""
        plain = cls(*decoder.relation.shape).to(decoder.relation.dtype)
        plain.load_state_dict(decoder.state_dict())
        return plain

    def forward(self, embeddings: Tensor, source: Tensor, relation: Tensor, targets: Tensor) -> Tensor:
        """See `LinkDecoder.forward`."""
        unit = functional.normalize(embeddings, dim=1)
        cosine = ((unit[source] * self.relation[relation])[:, None] * unit[targets]).sum(-1)
        logit: Tensor = cosine * self.log_temperature.exp()[relation, None] + self.bias[relation, None]
        return logit


def moved(model: HGTModel, device: ComputeDevice, dtype: torch.dtype = torch.float32) -> HGTModel:
    """A copy of the model on another device or with another precision."""
    return replace(model, network=copy.deepcopy(model.network).to(device.torch, dtype))


def embed(model: HGTModel, prepared: Prepared, backend: AttentionBackend) -> Tensor:
    """Output of the encoder. Shape [num_outputs, embedding_dim]."""
    with torch.no_grad():
        output: Tensor = model.encoder(prepared.node_index, prepared.plan, prepared.features, backend=backend)
    return output


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference divided by the norm of the expected value, as vectors."""
    expected = expected.detach().double()
    return float((found.detach().cpu().double() - expected).norm() / expected.norm())


def worst_gradient(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> tuple[float, str]:
    """Largest relative error of a parameter's gradient, and the parameter's name."""
    return max((relative_error(found[name], gradient), name) for name, gradient in expected.items())


def _edges_by_relation(batch: MiniBatch, graph: FlatGraph) -> dict[tuple[str, str, str], Tensor]:
    """Edges by relation, in metadata order (PyG's result depends on it). Shape [2, num_edges], indices per type."""
    types, relations = graph.metadata.node_types, graph.metadata.relations
    ends = torch.stack([batch.messages.source, batch.messages.target])
    sizes = batch.messages.relation.bincount(minlength=len(relations)).tolist()
    first = dict(zip(types, batch.type_ptr, strict=False))
    return {
        (source, name, target): part - torch.tensor([[first[source]], [first[target]]])
        for (source, name, target), part in zip(relations, ends.split(sizes, dim=1), strict=True)
    }


def _scalar_of(output: Tensor) -> Tensor:
    """A randomly weighted sum to differentiate; weights are the same in any precision and on any device."""
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(0))
    return (output * weight.to(output.device, output.dtype)).sum()


def _gradients(network: nn.Module) -> dict[str, Tensor]:
    parameters = network.named_parameters()
    return {name: torch.zeros_like(p) if p.grad is None else p.grad for name, p in parameters}
