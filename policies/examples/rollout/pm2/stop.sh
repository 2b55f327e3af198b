#!/bin/sh
exec pm2 delete "$APP"
