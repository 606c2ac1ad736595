r"""What a device or a precision does to each formula: the reference elsewhere than on the CPU in its arrays' type.

`places` says where, `measurement` runs it, `account` tells what came of it.
"""
