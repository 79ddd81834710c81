"""Puts native recurrent operators where placeholders stand."""

from collections.abc import Callable

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto

from seqkit_onnx.lowering.graph_builder import GraphBuilder
from seqkit_onnx.lowering.masking import Mask, gather_front, has_steps, make_mask, restore_repeating, restore_zeros
from seqkit_onnx.lowering.recurrence import Recurrence

PLACEHOLDER_DOMAIN = "keras_seqkit"
PLACEHOLDER_TYPE = "Recurrence"


def expand_placeholders(
    model: ModelProto, recurrences: dict[bytes, Recurrence], is_on_the_right: Callable[[GraphProto, str], bool]
) -> None:
    """Replaces each placeholder of `model` by a native operator and what its mask needs.

    Args:
        model: the model; changed in place.
        recurrences: what each placeholder stands for, by its token.
        is_on_the_right: tells of a mask's name whether its padding is known to be on the right.
    """
    _expand_graph(model.graph, model.graph, recurrences, is_on_the_right)
    for opset in [each for each in model.opset_import if each.domain == PLACEHOLDER_DOMAIN]:
        model.opset_import.remove(opset)


def _expand_graph(
    graph: GraphProto,
    initializers: GraphProto,
    recurrences: dict[bytes, Recurrence],
    is_on_the_right: Callable[[GraphProto, str], bool],
) -> None:
    expander = _Expander(graph, initializers, is_on_the_right)
    for node in graph.node:
        if node.domain == PLACEHOLDER_DOMAIN and node.op_type == PLACEHOLDER_TYPE:
            expander.expand(node, recurrences[node.attribute[0].s])
            continue
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _expand_graph(attribute.g, initializers, recurrences, is_on_the_right)
        expander.builder.nodes.append(node)
    nodes = list(expander.builder.nodes)
    del graph.node[:]
    graph.node.extend(nodes)


class _Expander:
    """Expands the placeholders of one graph, and remembers what the next one can use again."""

    def __init__(self, graph: GraphProto, initializers: GraphProto, is_on_the_right: Callable[[GraphProto, str], bool]):
        self.graph = graph
        self.builder = GraphBuilder(initializers)
        self.is_on_the_right = is_on_the_right
        self.masks: dict[str, Mask] = {}
        # The time-major, real-steps-first form of a value under a mask ("" for none): stacked layers hand it on.
        self.inner_forms: dict[tuple[str, str], str] = {}

    def expand(self, node: NodeProto, recurrence: Recurrence) -> None:
        self.builder.prefix = recurrence.name
        inputs = list(node.input)
        x, rest = inputs[0], inputs[1:]
        mask = self._mask(rest.pop(0)) if recurrence.has_mask else None
        states = self._initial_states(recurrence, rest)
        y, finals = self._operator(recurrence, self._inner_form(x, mask), mask, states)
        count = recurrence.output_count
        if recurrence.return_sequences:
            self._sequences(recurrence, y, finals[0], mask, list(node.output[:count]))
        else:
            self._last(recurrence, finals[0], mask, bool(states), list(node.output[:count]))
        if recurrence.return_state:
            finals = self._finals_of_empty_rows(finals, states, mask)
            self._states(recurrence, finals, list(node.output[count:]))

    def _mask(self, name: str) -> Mask:
        if name not in self.masks:
            prefix, self.builder.prefix = self.builder.prefix, "mask" if not self.masks else f"mask_{len(self.masks)}"
            self.masks[name] = make_mask(self.builder, name, self.is_on_the_right(self.graph, name))
            self.builder.prefix = prefix
        return self.masks[name]

    def _inner_form(self, x: str, mask: Mask | None) -> str:
        key = (x, mask.name if mask else "")
        if key not in self.inner_forms:
            front = gather_front(self.builder, x, mask) if mask else x
            self.inner_forms[key] = self.builder.transpose(front, 1, 0, 2)  # (time, batch, dim)
        return self.inner_forms[key]

    def _initial_states(self, recurrence: Recurrence, states: list[str]) -> list[str]:
        """Joins the states of the directions: (directions, batch, units) for each state of the operator."""
        if not states:
            return []
        kinds = len(recurrence.directions[0].state_names)
        joined = []
        for kind in range(kinds):
            parts = [self.builder.unsqueeze(state, 0) for state in states[kind::kinds]]
            joined.append(parts[0] if len(parts) == 1 else self.builder.node("Concat", parts, "initial_state", axis=0))
        return joined

    def _operator(self, recurrence: Recurrence, x: str, mask: Mask | None, states: list[str]) -> tuple[str, list[str]]:
        """Adds the operator; returns Y (time, directions, batch, units) and the final states."""
        cells = recurrence.directions
        builder = self.builder
        weights = [
            builder.weight(np.stack([getattr(cell, field) for cell in cells]), name)
            for field, name in (("kernel", "W"), ("recurrent_kernel", "R"), ("bias", "B"))
        ]
        activations = [activation for cell in cells for activation in cell.activations]
        attributes: dict = dict(cells[0].attributes)
        if any(cell.activations != _DEFAULT_ACTIVATIONS[cell.op_type] for cell in cells):
            attributes["activations"] = [activation.name for activation in activations]
            alphas = [activation.alpha for activation in activations if activation.alpha is not None]
            betas = [activation.beta for activation in activations if activation.beta is not None]
            attributes.update({"activation_alpha": alphas} if alphas else {})
            attributes.update({"activation_beta": betas} if betas else {})
        kinds = len(cells[0].state_names)
        y, *finals = builder.node_with(
            1 + kinds,
            cells[0].op_type,
            [x, *weights, mask.lengths if mask else "", *states],
            cells[0].op_type.lower(),
            direction=recurrence.direction,
            hidden_size=cells[0].units,
            **attributes,
        )
        return y, finals

    def _sequences(self, recurrence: Recurrence, y: str, last: str, mask: Mask | None, outputs: list[str]) -> None:
        builder = self.builder
        for merged, output in zip(self._merge(recurrence, y, 1), outputs, strict=True):
            whole = builder.transpose(merged, 1, 0, 2)  # (batch, time, width)
            if mask and recurrence.zero_output_for_mask:
                whole = restore_zeros(builder, whole, mask)
            elif mask:
                whole = restore_repeating(builder, whole, builder.squeeze(last, 0), mask, recurrence.go_backwards)
            if recurrence.go_backwards:  # Keras gives the steps in the order in which they were run
                whole = self._flip_time(whole)
            else:
                self.inner_forms[output, mask.name if mask else ""] = merged
            self._give(whole, output)

    def _last(
        self, recurrence: Recurrence, final: str, mask: Mask | None, has_initial_state: bool, outputs: list[str]
    ) -> None:
        builder = self.builder
        for merged, output in zip(self._merge(recurrence, final, 0), outputs, strict=True):
            last = merged  # (batch, width)
            zero = builder.constant(0.0, np.float32, "zero_output")
            if mask and has_initial_state:  # a row without a real step gives zeros, not its initial state
                last = builder.where(builder.unsqueeze(has_steps(builder, mask), 1), last, zero)
            if mask and recurrence.zero_output_for_mask:
                step = builder.constant([0 if recurrence.go_backwards else -1], name="step")
                real = builder.node("Gather", [mask.name, step], "last_step_is_real", axis=1)  # (batch, 1)
                last = builder.where(real, last, zero)
            self._give(last, output)

    def _finals_of_empty_rows(self, finals: list[str], states: list[str], mask: Mask | None) -> list[str]:
        """A row without a real step keeps its initial state, where the operator gives zeros."""
        if not mask or not states:
            return finals
        some = self.builder.unsqueeze(has_steps(self.builder, mask), 0, 2)  # (1, batch, 1)
        return [self.builder.where(some, final, state) for final, state in zip(finals, states, strict=True)]

    def _states(self, recurrence: Recurrence, finals: list[str], outputs: list[str]) -> None:
        """Parts the operator's final states, (directions, batch, units) each, in Keras's order."""
        per_direction = [self._split_directions(recurrence, final, 0) for final in finals]
        in_order = [final[index] for index in range(len(recurrence.directions)) for final in per_direction]
        for state, output in zip(in_order, outputs, strict=True):
            self._give(state, output)

    def _merge(self, recurrence: Recurrence, y: str, axis: int) -> list[str]:
        """Makes one value of the directions on `axis`, or a value for each."""
        builder = self.builder
        if len(recurrence.directions) == 1 or recurrence.merge_mode is None:
            return self._split_directions(recurrence, y, axis)
        if recurrence.merge_mode == "concat":
            side_by_side = builder.transpose(y, *((0, 2, 1, 3) if axis else (1, 0, 2)))  # (.., batch, 2, units)
            return [builder.reshape(side_by_side, *([0] * (axis + 1)), recurrence.width)]
        reduction = {"sum": "ReduceSum", "ave": "ReduceMean", "mul": "ReduceProd"}[recurrence.merge_mode]
        axes = builder.constant([axis], name="axes")
        return [builder.node(reduction, [y, axes], "merged", keepdims=0)]

    def _split_directions(self, recurrence: Recurrence, y: str, axis: int) -> list[str]:
        builder = self.builder
        if len(recurrence.directions) == 1:
            return [builder.squeeze(y, axis)]
        halves = builder.node_with(2, "Split", [y], "directions", axis=axis, num_outputs=2)
        return [builder.squeeze(half, axis) for half in halves]

    def _flip_time(self, y: str) -> str:
        minus_one, end, axis = ([-1], [np.iinfo(np.int64).min], [1])
        constants = [
            self.builder.constant(value, name=name)
            for value, name in ((minus_one, "start"), (end, "end"), (axis, "axes"), (minus_one, "step"))
        ]
        return self.builder.node("Slice", [y, *constants], "in_order_of_running")

    def _give(self, value: str, output: str) -> None:
        self.builder.nodes.append(NodeProto(op_type="Identity", input=[value], output=[output], name=f"{output}/as"))


_DEFAULT_ACTIVATIONS = {
    "LSTM": (("Sigmoid", None, None), ("Tanh", None, None), ("Tanh", None, None)),
    "GRU": (("Sigmoid", None, None), ("Tanh", None, None)),
    "RNN": (("Tanh", None, None),),
}
