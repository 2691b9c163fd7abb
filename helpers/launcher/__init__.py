"""What ``course.py`` does.

Standard library only, because it runs before anything is installed; and nothing that an older
Python cannot import, because it must get as far as saying that it is too old.
"""
