"""Real Kubernetes in a container of a Docker engine, through kind.

cluster.py is the provider, command.py and services.py are what it runs and adds. Where no engine
answers, private_engine.py brings one up that ends with the run.
"""
