"""DeepSeek's chat completions: streaming or whole, as an OpenAI-compatible service."""
