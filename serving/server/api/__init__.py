"""The gRPC and REST APIs of TF Serving."""
