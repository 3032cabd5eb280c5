#!/bin/sh
# Migrates the database, then becomes the command: signals of the engine reach the program itself.
set -e
systemprompt infra db migrate
exec "$@"
