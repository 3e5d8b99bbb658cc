import subprocess
import sys

import tensorflow as tf

from serving.server.__main__ import _import_lean

PROGRAM = """
import sys
from serving.server.__main__ import _import_lean
_import_lean()
import serving.server.server
import tensorflow
print("tensorflow.python.client.session" in sys.modules, "tensorflow._api" in sys.modules)
for name, module in sys.modules.items():
    if name.startswith("serving") and tensorflow in vars(module).values():
        print(name, "imports all of tensorflow")
"""


def test_the_server_needs_no_more_of_tensorflow_than_it_imports():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout == "True False\n", done.stderr


def test_a_tensorflow_that_is_there_stays():
    _import_lean()
    assert sys.modules["tensorflow"] is tf
