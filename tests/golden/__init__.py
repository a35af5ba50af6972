"""What is printed for people, kept word by word, so that every change of a text is read before it is made."""
