"""ONNX file of one of our plain stacks -> plain checkpoint to start from (the file's constants; no onnx package is needed).

    python3 import_onnx.py art-x2.onnx art-x2.pt"""
import struct
import sys

import numpy as np
import torch


def fields(data: bytes):
    """(number, value) of each field of a protobuf message; the value is an int or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        else:
            length = {1: 8, 5: 4}.get(kind) or varint()
            yield tag >> 3, data[at : at + length]
            at += length


def tensor(data: bytes):
    """name and float32 values of a TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9."""
    dims, kind, name, raw = [], 0, "", b""
    for number, value in fields(data):
        if number == 1:
            dims += [value] if isinstance(value, int) else list(value)
        elif number == 2:
            kind = value
        elif number in (4, 9):
            raw += value
        elif number == 8:
            name = value.decode()
    return name, torch.from_numpy(np.frombuffer(raw, "<f4").reshape(dims).copy()) if kind == 1 else None


def read(path: str):
    """The float constants by name, and the graph's nodes as (operator, inputs, output)."""
    graph = next(v for n, v in fields(open(path, "rb").read()) if n == 7)  # ModelProto.graph
    constants, nodes = {}, []
    for number, value in fields(graph):
        if number == 5:
            name, values = tensor(value)
            if values is not None:
                constants[name] = values
        elif number == 1:
            parts = list(fields(value))
            nodes.append((next(v.decode() for n, v in parts if n == 4), [v.decode() for n, v in parts if n == 1], next(v.decode() for n, v in parts if n == 2)))
    return constants, nodes


if __name__ == "__main__":
    # An exporter may rename constants, so they are told by their place: the stack's convolutions in order, then the tail's; the skip's
    # is the one of 5x5 without a bias. Constants that are equal (biases of zeros) may be shared through Identity.
    constants, nodes = read(sys.argv[1])
    for operator, inputs, output in nodes:
        if operator == "Identity" and inputs[0] in constants:
            constants[output] = constants[inputs[0]]
    convolutions = [[constants[i] for i in inputs[1:]] for operator, inputs, _ in nodes if operator == "Conv"]
    stack = [c for c in convolutions if len(c) == 2]
    (skip,) = [c for c in convolutions if len(c) == 1]
    state = {"skip.weight": skip[0]}
    for index, (weight, bias) in enumerate(stack):
        name = "tail" if index == len(stack) - 1 else f"body.{index}"
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    print(len(stack), "convolutions,", sum(v.numel() for v in state.values()), "parameters")
    torch.save(state, sys.argv[2])
