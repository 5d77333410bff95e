"""One router a page: reads through the contracts' protocols, makes a view model, renders a template."""
