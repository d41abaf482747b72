"""The command line `gemma4`: one module for each verb, on the same code as the operator."""
