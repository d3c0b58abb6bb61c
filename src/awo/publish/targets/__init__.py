"""The places to which a run is sent: one file for each kind, all behind one small interface."""
