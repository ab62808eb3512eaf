"""The gateways in front of the house."""
