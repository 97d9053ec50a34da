#!/usr/bin/env bash
# Blanks may stand before the comma between two links, and a parameter may have no value. In quotes, each character but a
# quotation mark and a backslash stands for itself (RFC 8288, 3; RFC 9110, 5.6.1 and 5.6.4). http-link-header 1.1.4 reads a blank
# before a comma as a further link with an empty relation, or loses the second link, as it does after a parameter without a value.
# It writes the characters in quotes in percent notation, which has no meaning there: in the datetime of a memento (RFC 7089,
# 2.2), 10:30:00 becomes "10%3A30%3A00", which is no time. A title* without a language becomes English (RFC 8187, 3.2.1). No error
# is raised. A good engineer expects the same links after reading and writing, because the package is for both. Usual headers are
# read correctly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > npm.log
npm install --silent --no-audit --no-fund http-link-header@1.1.4 >> npm.log 2>&1
cat > read.mjs <<'JS'
import LinkHeader from "http-link-header";

for (const header of [
  '</bath>; rel="next", </beppu>; rel="prev"',
  '</bath>; rel="next" , </beppu>; rel="prev"',
  "</bath>; rel=next , </beppu>; rel=prev",
  "</bath>; rel=next; crossorigin, </beppu>; rel=prev",
  '</bath>; rel=memento; datetime="Mon, 23 May 1994 10:30:00 GMT"',
  '</bath>; rel=up; title="Bath (50 %)"',
  "</bath>; rel=up; title*=UTF-8''Kaposv%C3%A1r",
]) {
  const links = LinkHeader.parse(header);
  console.log(header);
  for (const link of links.refs) console.log("  is read as", JSON.stringify(link));
  console.log("  and written as", links.toString());
}
JS
node read.mjs > seen
cat seen
diff seen - <<'SEEN'
</bath>; rel="next", </beppu>; rel="prev"
  is read as {"uri":"/bath","rel":"next"}
  is read as {"uri":"/beppu","rel":"prev"}
  and written as </bath>; rel=next, </beppu>; rel=prev
</bath>; rel="next" , </beppu>; rel="prev"
  is read as {"uri":"/bath","rel":"next",", </beppu>; rel":"prev"}
  and written as </bath>; rel=next; , </beppu>; rel=prev
</bath>; rel=next , </beppu>; rel=prev
  is read as {"uri":"/bath","rel":"next"}
  is read as {"uri":"/bath","rel":""}
  is read as {"uri":"/beppu","rel":"prev"}
  and written as </bath>; rel=next, </bath>; rel="", </beppu>; rel=prev
</bath>; rel=next; crossorigin, </beppu>; rel=prev
  is read as {"uri":"/bath","rel":"next","crossorigin, </beppu>; rel":"prev"}
  and written as </bath>; rel=next; crossorigin, </beppu>; rel=prev
</bath>; rel=memento; datetime="Mon, 23 May 1994 10:30:00 GMT"
  is read as {"uri":"/bath","rel":"memento","datetime":"Mon, 23 May 1994 10:30:00 GMT"}
  and written as </bath>; rel=memento; datetime="Mon, 23 May 1994 10%3A30%3A00 GMT"
</bath>; rel=up; title="Bath (50 %)"
  is read as {"uri":"/bath","rel":"up","title":"Bath (50 %)"}
  and written as </bath>; rel=up; title="Bath (50 %25)"
</bath>; rel=up; title*=UTF-8''Kaposv%C3%A1r
  is read as {"uri":"/bath","rel":"up","title*":{"language":"","encoding":null,"value":"Kaposvár"}}
  and written as </bath>; rel=up; title*=UTF-8'en'Kaposv%C3%A1r
SEEN
echo "as described"
