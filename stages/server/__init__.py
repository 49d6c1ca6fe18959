"""Everything that talks to, configures or starts a Triton server."""
