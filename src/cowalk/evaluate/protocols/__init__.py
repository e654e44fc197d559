"""The three judgements: next item, cold items, links. Each makes its questions and reads the answers."""
