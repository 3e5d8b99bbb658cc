"""The errors of the model server: a status code of TF Serving's and a message."""

from __future__ import annotations

import functools

import grpc
from tensorflow.python.framework.errors_impl import OpError

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class ServingError(Exception):
    """A request or the loading of a model failed with a status.

    Attributes:
        code: The status code; gRPC's, TensorFlow's and TF Serving's are the same.
        message: What went wrong, in TF Serving's words where it has some.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


invalid_argument = functools.partial(ServingError, grpc.StatusCode.INVALID_ARGUMENT)
deadline_exceeded = functools.partial(ServingError, grpc.StatusCode.DEADLINE_EXCEEDED)
not_found = functools.partial(ServingError, grpc.StatusCode.NOT_FOUND)
failed_precondition = functools.partial(ServingError, grpc.StatusCode.FAILED_PRECONDITION)
unimplemented = functools.partial(ServingError, grpc.StatusCode.UNIMPLEMENTED)
internal = functools.partial(ServingError, grpc.StatusCode.INTERNAL)
data_loss = functools.partial(ServingError, grpc.StatusCode.DATA_LOSS)
resource_exhausted = functools.partial(ServingError, grpc.StatusCode.RESOURCE_EXHAUSTED)
unavailable = functools.partial(ServingError, grpc.StatusCode.UNAVAILABLE)


def from_tensorflow(error: OpError) -> ServingError:
    """Returns TensorFlow's error as one of the server's, with its code and message."""
    code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
    return ServingError(code, str(error.message))
