"""What is true: the pure rules of the product. No trio, no SQL, no clock, no logging."""
