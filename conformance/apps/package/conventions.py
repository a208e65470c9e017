"""What every package for Stackspin takes for granted of a platform."""

FLUX_NAMESPACE = "flux-system"
"""Of its Kustomizations, variables and OAuth2Clients."""
APPS_NAMESPACE = "stackspin-apps"
"""Of an app that does not say where it belongs."""
