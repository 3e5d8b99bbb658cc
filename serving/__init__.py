"""What talks to a pushed model: prediction without a server, clients, deployment."""
