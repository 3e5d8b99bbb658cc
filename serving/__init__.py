"""Pushed models: the server, its client, releases, deployment, and prediction without a server."""
