"""An app runs on Stackspin: installed by Flux, served, robust, and harmless to its neighbours."""
