"""Pykka actors without a thread each: dispatchers, mailboxes, futures, supervision."""
