package releases

import rego.v1

# An image that names no release is another one tomorrow.
deny contains message if {
	some container in input.spec.template.spec.containers
	not regex.match(`:[^:/]+$|@sha256:`, container.image)
	message := sprintf("%s names no release", [container.image])
}

deny contains message if {
	some container in input.spec.template.spec.containers
	endswith(container.image, ":latest")
	message := sprintf("%s is no release", [container.image])
}
