#!/bin/sh
# Loads the files of this folder into Virtuoso:
#   sh virtuoso.sh [HOST:PORT [USER [PASSWORD [LOADERS]]]]
# DirsAllowed in virtuoso.ini must contain the folder. With CheckpointInterval = 0 there, no checkpoint stops the load.
# Files that are loaded are not loaded again, so that a load that was broken off goes on.
set -eu
folder=$(cd "$(dirname "$0")" && pwd | sed "s/'/''/g")
address=${1:-localhost:1111} user=${2:-dba} password=${3:-dba} loaders=${4:-2}

run() {
  "${ISQL:-isql-vt}" "$address" "$user" "$password" VERBOSE=OFF BANNER=OFF PROMPT=OFF ERRORS=STDOUT "EXEC=$1"
}

for name in graphs canary; do
  run "ld_dir('$folder', '$name-*.nq.gz', '@prefix@');"
done
# What was being loaded when Virtuoso ended.
run "update DB.DBA.LOAD_LIST set ll_state = 0 where ll_state = 1 and ll_file like '$folder/%';"
count=0
while [ "$count" -lt "$loaders" ]; do
  run "rdf_loader_run(log_enable => 2);" &
  count=$((count + 1))
done
wait
run "select ll_file, ll_error from DB.DBA.LOAD_LIST where ll_error is not null;"
# The default graph is the merge of the graphs of data. Virtuoso makes it of them in a third of the time of loading it.
run "log_enable(2); insert soft DB.DBA.RDF_QUAD (G, S, P, O) select iri_to_id('@default@'), S, P, O from DB.DBA.RDF_QUAD
  where G <> iri_to_id('@default@') and G <> iri_to_id('@ontology@') and G <> iri_to_id('@shapes@')
  and id_to_iri(G) like '@prefix@graph:%';"
run "checkpoint;"
