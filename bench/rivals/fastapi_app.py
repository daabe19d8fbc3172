"""What one would write in Python: FastAPI and ONNX Runtime in one process, a run for each request."""

import sys
import uuid

import numpy
import onnxruntime
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

port, models = sys.argv[1:]
species = ["setosa", "versicolor", "virginica"]


def load(name):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(f"{models}/{name}/model.onnx", options)


sessions = {name: load(name) for name in ["iris", "mlp", "image"]}
app = FastAPI()


def answer(value):
    body = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, media_type="application/json")


@app.get("/readyz")
async def ready():
    return {"ready": True}


@app.post("/predict/iris")
async def predict(request: Request):
    features = orjson.loads(await request.body())["features"]
    x = numpy.asarray(features, dtype=numpy.float32).reshape(-1, 4)
    (scores,) = sessions["iris"].run(["probabilities"], {"x": x})
    rows = [[float(score) for score in row] for row in scores]
    labels = [{"label": species[row.index(max(row))], "score": max(row)} for row in rows]
    named = {"model": "iris", "version": "1", "predictions": rows, "labels": labels}
    return answer({**named, "request_id": str(uuid.uuid4())})


def read_tensor(body, json_length):
    if json_length is None:
        tensor = orjson.loads(body)["inputs"][0]
        return numpy.asarray(tensor["data"], dtype=numpy.float32).reshape(tensor["shape"])
    tensor = orjson.loads(body[: int(json_length)])["inputs"][0]
    values = numpy.frombuffer(body, dtype="<f4", offset=int(json_length))
    return values.reshape(tensor["shape"])


@app.post("/v2/models/{name}/infer")
async def infer(name: str, request: Request):
    x = read_tensor(await request.body(), request.headers.get("inference-header-content-length"))
    (y,) = sessions[name].run(["y"], {"x": x})
    data = [float(value) for value in y.ravel()]
    output = {"name": "y", "datatype": "FP32", "shape": y.shape, "data": data}
    return answer({"model_name": name, "model_version": "1", "outputs": [output]})


uvicorn.run(app, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", log_level="warning")
