"""Helm and Flux bring an app up, change it and take it away."""
