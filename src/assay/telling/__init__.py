"""What people read: progress, sentences, tables, figures, pages."""
