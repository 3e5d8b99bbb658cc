"""A local model server that speaks TF Serving's gRPC and REST APIs."""
