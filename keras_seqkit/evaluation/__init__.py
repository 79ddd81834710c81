"""Reports and pictures, over scikit-learn and matplotlib."""
