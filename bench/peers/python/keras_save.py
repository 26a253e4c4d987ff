"""Trains the tutorial's network for an epoch and saves it: keras_save.py DATA MODEL.keras"""

import sys

import keras_tutorial

(x, y), _ = keras_tutorial.data(sys.argv[1])
model = keras_tutorial.model()
model.fit(x, y, batch_size=10, verbose=0)
model.save(sys.argv[2])
