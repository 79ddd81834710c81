"""Replaces placeholders by native recurrent operators, with what their masks need around them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto

from seqkit_onnx.cells.recurrence import PLACEHOLDER_DOMAIN, PLACEHOLDER_TYPE, Lookup, Recurrence
from seqkit_onnx.graph_builder import GraphBuilder
from seqkit_onnx.recurrence import masking
from seqkit_onnx.recurrence.carried_state import CarriedStates
from seqkit_onnx.recurrence.choice_by_rows import ScanFrom, add_by_rows, never
from seqkit_onnx.recurrence.masking import Mask
from seqkit_onnx.recurrence.missing_values import Origins
from seqkit_onnx.recurrence.native_operator import add_operator
from seqkit_onnx.recurrence.scan import add_scan, multiplies_table


def expand_placeholders(
    model: ModelProto,
    recurrences: dict[bytes, Recurrence],
    is_on_the_right: Callable[[GraphProto, str], bool],
    scan_from: ScanFrom = never,
    *,
    inputs_are_finite: bool = False,
) -> None:
    """Replaces each placeholder of `model` by a native operator and what its mask needs.

    Args:
        model: the model; changed in place.
        recurrences: what each placeholder stands for, by its token.
        is_on_the_right: tells of a mask's name whether its padding is known to be on the right.
        scan_from: which recurrences are run as a `Scan`, and from how many rows on.
        inputs_are_finite: whether no input of the file ever holds NaN.
    """

    def expander(graph: GraphProto, outer: Origins | None) -> _Expander:
        origins = None if inputs_are_finite else Origins(graph, outer)
        return _Expander(graph, model.graph, is_on_the_right, scan_from, origins=origins)

    _expand_graph(model.graph, recurrences, expander)
    for opset in [each for each in model.opset_import if each.domain == PLACEHOLDER_DOMAIN]:
        model.opset_import.remove(opset)


def _expand_graph(
    graph: GraphProto,
    recurrences: dict[bytes, Recurrence],
    expander_of: Callable[[GraphProto, Origins | None], "_Expander"],
    outer: Origins | None = None,
) -> None:
    expander = expander_of(graph, outer)
    for node in graph.node:
        if node.domain == PLACEHOLDER_DOMAIN and node.op_type == PLACEHOLDER_TYPE:
            expander.expand(node, recurrences[node.attribute[0].s])
            continue
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _expand_graph(attribute.g, recurrences, expander_of, expander.origins)
        expander.builder.nodes.append(node)
    nodes = list(expander.builder.nodes)
    del graph.node[:]
    graph.node.extend(nodes)


class _Expander:
    """Expands the placeholders of one graph, and remembers what the next one can use again."""

    def __init__(
        self,
        graph: GraphProto,
        main: GraphProto,
        is_on_the_right: Callable[[GraphProto, str], bool],
        scan_from: ScanFrom,
        *,
        origins: Origins | None,
    ):
        self.graph = graph
        self.scan_from = scan_from
        self.origins = origins
        self.builder = GraphBuilder(main)
        self.is_on_the_right = is_on_the_right
        self.carried = CarriedStates(main, self.builder)
        self.lookups = _lookups(graph, main)
        self.inner_lookups: dict[str, Lookup] = {}
        self.masks: dict[str, Mask] = {}
        # The time-major, real-steps-first form of a value under a mask ("" for none): stacked layers hand it on.
        self.inner_forms: dict[tuple[str, str], str] = {}

    def expand(self, node: NodeProto, recurrence: Recurrence) -> None:
        self.builder.prefix = recurrence.name
        inputs = list(node.input)
        x, rest = inputs[0], inputs[1:]
        mask = self._mask(rest.pop(0)) if recurrence.has_mask else None
        recurrence = self._with_origins(recurrence, x, rest)
        given = self.carried.inputs(recurrence) if recurrence.stateful else rest
        states = self._initial_states(recurrence, given)
        width = recurrence.directions[0].kernel.shape[1]
        y, finals = self._add(recurrence, self._inner_form(x, mask, width), mask, states)
        count = recurrence.output_count
        # What an operator gives is its first state: the output of an earlier call is the state that comes in.
        earlier = given[0] if recurrence.repeats_earlier else None
        if recurrence.return_sequences:
            self._sequences(recurrence, y, finals[0], mask, list(node.output[:count]), earlier)
        else:
            self._last(recurrence, finals[0], mask, bool(states), list(node.output[:count]), earlier)
        if recurrence.gives_states:
            finals = self._states(recurrence, self._finals_of_empty_rows(finals, states, mask))
            if recurrence.return_state:
                for state, output in zip(finals, node.output[count:], strict=True):
                    self._give(state, output)
            if recurrence.stateful:
                self.carried.outputs(recurrence, finals)

    def _with_origins(self, recurrence: Recurrence, x: str, states: list[str]) -> Recurrence:
        """Says whether a recurrence may read NaN; a stateful layer's states are those that it has given."""
        if self.origins is None:
            return recurrence
        of_input = self.origins.may_be_nan(x)
        of_states = of_input if recurrence.stateful else any(map(self.origins.may_be_nan, states))
        return replace(recurrence, input_may_be_nan=of_input, states_may_be_nan=of_states)

    def _add(self, recurrence: Recurrence, x: str, mask: Mask | None, states: list[str]) -> tuple[str, list[str]]:
        lookup = self.inner_lookups.get(x)
        many = self.scan_from(recurrence.directions[0], multiplies_table(recurrence, lookup))
        if many is None:
            return add_operator(self.builder, recurrence, x, mask, states)
        if many == 0:
            return add_scan(self.builder, recurrence, x, mask, states, lookup)
        return add_by_rows(self.builder, recurrence, x, mask, states, lookup, many)

    def _mask(self, name: str) -> Mask:
        if name not in self.masks:
            prefix, self.builder.prefix = self.builder.prefix, "mask" if not self.masks else f"mask_{len(self.masks)}"
            self.masks[name] = masking.make_mask(self.builder, name, self.is_on_the_right(self.graph, name))
            self.builder.prefix = prefix
        return self.masks[name]

    def _inner_form(self, x: str, mask: Mask | None, width: int) -> str:
        """Returns (time, batch, width), real steps first."""
        key = (x, mask.name if mask else "")
        if key not in self.inner_forms:
            self.inner_forms[key] = self._make_inner_form(x, mask, width)
        return self.inner_forms[key]

    def _make_inner_form(self, x: str, mask: Mask | None, width: int) -> str:
        builder, moved = self.builder, mask if mask and not mask.on_the_right else None
        if x not in self.lookups:
            return masking.gather_front(builder, x, moved, width) if moved else builder.transpose(x, 1, 0, 2)
        lookup = self.lookups[x]  # ids are moved, which are smaller than what is looked up by them
        ids = masking.gather_ids_front(builder, lookup.ids, moved) if moved else builder.transpose(lookup.ids, 1, 0)
        embedded = builder.node("Gather", [lookup.table, ids], "embedded", axis=0)
        self.inner_lookups[embedded] = replace(lookup, ids=ids)
        return embedded

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

    def _sequences(
        self, recurrence: Recurrence, y: str, last: str, mask: Mask | None, outputs: list[str], earlier: str | None
    ) -> None:
        """Gives the outputs of all steps.

        Args:
            recurrence: what is run.
            y: (time, directions, batch, units).
            last: the final output.
            mask: its mask, if any.
            outputs: the names to give.
            earlier: the output (batch, units) of an earlier call, where masked steps repeat that.
        """
        if recurrence.is_concatenated:
            parts, inner = [y], [self._side_by_side(recurrence, y, 0, 2, 1, 3)]  # (time, batch, 2 * units)
        else:
            parts = inner = self._merge(recurrence, y, 1)  # (time, batch, units) each
        for part, merged, output in zip(parts, inner, outputs, strict=True):
            whole = self._restored(recurrence, part, last, mask, earlier)
            if recurrence.flips_time:
                whole = self._flip_time(whole)
                if mask and recurrence.unrolled and recurrence.zero_output_for_mask:
                    whole = self._zeroes_by_time(whole, mask)
            else:
                self.inner_forms[output, mask.name if mask else ""] = merged
            self._give(whole, output)

    def _restored(self, recurrence: Recurrence, y: str, last: str, mask: Mask | None, earlier: str | None) -> str:
        """Brings outputs back to the order of steps: (batch, time, width)."""
        builder = self.builder
        zeros = recurrence.zero_output_for_mask and not (recurrence.flips_time and recurrence.unrolled)
        if mask and not mask.on_the_right:
            if zeros:
                place, earlier = masking.own_place(builder, mask), None
            else:
                place = masking.repeating_place(builder, mask, recurrence.go_backwards)
            directions = 2 if recurrence.is_concatenated else 1
            return masking.gather_back(builder, y, mask, place, directions, recurrence.units, earlier=earlier)
        if recurrence.is_concatenated:
            return self._side_by_side(recurrence, y, 2, 0, 1, 3)
        whole = builder.transpose(y, 1, 0, 2)
        # Backwards, the masked steps of a mask on the right are run first, and have nothing to repeat.
        if mask and not zeros and not recurrence.go_backwards:
            return masking.repeat_last_on_the_right(builder, whole, builder.squeeze(last, 0), mask, earlier)
        return whole

    def _zeroes_by_time(self, whole: str, mask: Mask) -> str:
        """Keras's unrolled loop zeroes outputs in the order of running by the mask in the order of time."""
        zero = self.builder.constant(0.0, np.float32, "zero_output")
        return self.builder.where(self.builder.unsqueeze(mask.name, 2), whole, zero)

    def _last(
        self,
        recurrence: Recurrence,
        final: str,
        mask: Mask | None,
        has_initial_state: bool,
        outputs: list[str],
        earlier: str | None,
    ) -> None:
        builder = self.builder
        for merged, output in zip(self._merge(recurrence, final, 0), outputs, strict=True):
            last = merged  # (batch, width)
            zero = builder.constant(0.0, np.float32, "zero_output")
            if mask and has_initial_state:  # a row without a real step gives zeros, or its output of an earlier call
                some = builder.unsqueeze(masking.has_steps(builder, mask), 1)
                last = builder.where(some, last, earlier or zero)
            if mask and recurrence.zero_output_for_mask:
                step = builder.constant([0 if recurrence.go_backwards else -1], name="step")
                real = builder.node("Gather", [mask.name, step], "last_step_is_real", axis=1)  # (batch, 1)
                last = builder.where(real, last, zero)
            self._give(last, output)

    def _finals_of_empty_rows(self, finals: list[str], states: list[str], mask: Mask | None) -> list[str]:
        """A row without a real step keeps its initial state, where the operator gives zeros."""
        if not mask or not states:
            return finals
        some = self.builder.unsqueeze(masking.has_steps(self.builder, mask), 0, 2)  # (1, batch, 1)
        return [self.builder.where(some, final, state) for final, state in zip(finals, states, strict=True)]

    def _states(self, recurrence: Recurrence, finals: list[str]) -> list[str]:
        """Parts the operator's final states, (directions, batch, units) each, in Keras's order."""
        per_direction = [self._split_directions(recurrence, final, 0) for final in finals]
        return [final[index] for index in range(len(recurrence.directions)) for final in per_direction]

    def _merge(self, recurrence: Recurrence, y: str, axis: int) -> list[str]:
        """Makes one value of the directions on `axis`, or a value for each."""
        if len(recurrence.directions) == 1 or recurrence.merge_mode is None:
            return self._split_directions(recurrence, y, axis)
        if recurrence.merge_mode == "concat":  # of final states: (2, batch, units)
            return [self._side_by_side(recurrence, y, 1, 0, 2)]
        reduction = {"sum": "ReduceSum", "ave": "ReduceMean", "mul": "ReduceProd"}[recurrence.merge_mode]
        axes = self.builder.constant([axis], name="axes")
        return [self.builder.node(reduction, [y, axes], "merged", keepdims=0)]

    def _side_by_side(self, recurrence: Recurrence, y: str, *perm: int) -> str:
        """Moves the axis of the directions before the units, and joins the two."""
        return self.builder.reshape(self.builder.transpose(y, *perm), *([0] * (len(perm) - 2)), recurrence.width)

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


def _lookups(graph: GraphProto, main: GraphProto) -> dict[str, Lookup]:
    """Finds what is looked up in a table: the table and the ids (batch, time) of each such value."""
    sizes = {tensor.name: tensor.dims[0] for tensor in main.initializer if len(tensor.dims) == 2}
    return {
        node.output[0]: Lookup(node.input[0], sizes[node.input[0]], node.input[1])
        for node in graph.node
        if node.op_type == "Gather"
        and node.input[0] in sizes
        and not any(attribute.name == "axis" and attribute.i for attribute in node.attribute)
    }
