"""Models as a whole: copied, uploaded, downloaded, packed for the car; all or nothing."""
