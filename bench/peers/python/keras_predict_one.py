"""What one picture shows, by a saved model: keras_predict_one.py MODEL.keras PICTURE"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras  # noqa: E402
import numpy as np  # noqa: E402

model = keras.models.load_model(sys.argv[1])
picture = np.asarray(keras.utils.load_img(sys.argv[2]), np.float32) / 255
outputs = model.predict(picture[np.newaxis], verbose=0)[0]
for index in np.argsort(outputs)[::-1][:3]:
    print(f"class {index}: {100 * outputs[index]:.1f} %")
