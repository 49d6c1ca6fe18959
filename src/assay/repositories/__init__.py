"""What stands in a model repository: every cell, of what was exported here and of models that others configured."""
