"""One call of a public function: checked, planned, evaluated."""
