"""Transform: bigram TF-IDF and multi-hot labels as sparse tensors."""
