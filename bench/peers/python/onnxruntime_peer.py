"""onnxruntime: prediction with a model built node by node."""

import contest
import networks
import numpy as np
import onnxruntime
import pictures
from onnx import TensorProto, helper, numpy_helper

args = contest.arguments()


def model(network):
    """The network as ONNX; it flattens channels first, which random dense weights allow."""
    weights = iter(networks.weights(network))
    nodes, constants, value = [], [], "pictures"

    def add(kind, *inputs, **attributes):
        nonlocal value
        names = []
        for array in inputs:
            names.append(f"constant{len(constants)}")
            constants.append(numpy_helper.from_array(np.ascontiguousarray(array), names[-1]))
        output = f"value{len(nodes)}"
        nodes.append(helper.make_node(kind, [value, *names], [output], **attributes))
        value = output

    for index, (kind, *_) in enumerate(network):
        if kind == "conv":
            kernel = np.transpose(next(weights), (3, 2, 0, 1))
            add("Conv", kernel, next(weights), pads=[1, 1, 1, 1])
            add("Relu")
        elif kind == "pool":
            add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        elif kind == "flatten":
            add("Flatten")
        elif kind == "dense":
            add("Gemm", next(weights), next(weights))
            add("Relu" if index + 1 < len(network) else "Softmax")
    pictures_in = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, 32, 32])
    out = helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "network", [pictures_in], [out], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = args.threads
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
options.add_session_config_entry("session.set_denormal_as_zero", "1")
session = onnxruntime.InferenceSession(
    model(networks.of(args.work)).SerializeToString(), options, ["CPUExecutionProvider"]
)
batches = [
    np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    for x, _ in pictures.batches(args.data, args.work, args.batch)
]


def step(_):
    for x in batches:
        session.run(None, {"pictures": x})


contest.report(args, onnxruntime.__version__, contest.measure(args, step))
