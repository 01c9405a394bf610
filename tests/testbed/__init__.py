"""The test bed: an EC2-like host, a registry, sample apps, GitHub's runner as far as container actions see it."""
