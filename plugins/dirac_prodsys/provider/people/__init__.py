"""Whatever asks or tells people: approval, questions, parameters, notices."""
