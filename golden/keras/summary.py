"""Writes graph_summary.txt: the table that Keras prints of a graph, on terminals of 80 and of 112 columns.

    COLUMNS=112 python summary.py

The graph is the one of crates/lenslet-model/tests/summary.rs.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
from keras import layers as L

HERE = os.path.dirname(os.path.abspath(__file__))

x = start = keras.Input((32, 32, 3))
x = L.Conv2D(16, 3, padding="same", use_bias=False)(x)
x = L.BatchNormalization()(x)
x = L.Activation("relu")(x)
y = L.Conv2D(16, 3, padding="same", use_bias=False)(x)
y = L.BatchNormalization()(y)
x = L.Add()([x, y])
z = L.Conv2D(8, 1)(x)
x = L.Concatenate()([x, z, y])
x = L.GlobalAveragePooling2D()(x)
x = L.Dense(10, activation="softmax")(x)
model = keras.Model(start, x, name="little")

lines = []
for columns in (80, 112):
    os.environ["COLUMNS"] = str(columns)
    model.summary(print_fn=lines.append)
with open(os.path.join(HERE, "graph_summary.txt"), "w") as f:
    f.write("".join(lines))
