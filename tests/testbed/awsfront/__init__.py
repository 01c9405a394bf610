"""The server program behind tests/testbed/aws.py. It runs in the Python that has moto: python -m testbed.awsfront."""
