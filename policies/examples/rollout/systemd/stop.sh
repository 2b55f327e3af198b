#!/bin/sh
exec systemctl stop "$UNIT"
