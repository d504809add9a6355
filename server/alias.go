package server

import "net/netip"

// metadata is where programs look for the metadata service that know no other place.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
var metadata = netip.AddrFrom4([4]byte{169, 254, 169, 254})

// MetadataHosts are the names by which the metadata service is asked at its own address.
func MetadataHosts() []string { return []string{metadata.String(), metadata.String() + ":80"} }

const metadataPort = 80
