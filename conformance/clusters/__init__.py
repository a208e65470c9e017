"""Providers of a Kubernetes cluster: one interface (base.py), one module or package each."""
