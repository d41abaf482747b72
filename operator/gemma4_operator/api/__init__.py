"""The custom resources as people write them: pydantic models, and the schema that the API server enforces."""
