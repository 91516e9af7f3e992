#!/bin/bash
# Copies the programs that the hub runs, and the libraries they load, below a directory that an image without a package
# manager can take over: usr/bin, usr/lib, and the shell by itself. The C library is the image's own, of the same release of Debian.
set -euo pipefail
into=${1:?the directory to copy into}

# Whether /bin and /lib are links is the image's affair: everything goes below /usr, where it is found as well.
copy() {
  local to=$into/usr/${1#/}
  to=${to/\/usr\/usr\//\/usr\/}
  mkdir -p "$(dirname "$to")"
  cp --dereference --preserve=mode "$1" "$to"
}

# Of another build than its loader, a C library does not start.
is_of_libc() {
  [[ $(basename "$1") =~ ^(ld-linux|libc|libm|libdl|librt|libpthread|libresolv|libnss_|libutil|libanl)([-._]|$) ]]
}

helpers=$(git --exec-path)
programs=(
  "$(command -v git)" "$(command -v ssh)" "$(command -v ssh-keygen)" "$(command -v gpg)"
  "$helpers/git" "$helpers/git-remote-http" "$helpers/git-http-backend"
)
for program in "${programs[@]}" "$(readlink -f /bin/sh)"; do
  # The second column of ldd is where a library is.
  while read -r library; do
    is_of_libc "$library" || copy "$library"
  done < <(ldd "$program" | sed -n 's/^[^/]*=> \(\/[^ ]*\) .*/\1/p')
done
for program in "${programs[@]}"; do copy "$program"; done
ln -sf git-remote-http "$into$helpers/git-remote-https"
for name in upload-pack receive-pack; do ln -sf git "$into$helpers/git-$name"; done
mkdir -p "$into/usr/share/git-core/templates"
cp --dereference --preserve=mode /bin/sh "$into/sh"
