"""Shows productions inside Airflow's user interface.

::

    app                   the application of the API server
    routes  site_routes  new_routes    its routes
    rights                who may see and do what: the only file that imports Airflow's security
    keeper                what all viewers share: one look an interval, however many they are
    from_airflow          what Airflow's database says of runs, in one session
    from_grid             what the grid says of runs that are not over
    jobs_now              the jobs of a step that somebody looks at
    from_ledger           what the ledger says of one run, kept for when it is away
    runs                  finds a run, and what surrounds it for the user who looks
    grid_checks  broken_files    what is wrong with the grid, and with files
    acting  comments      what people do
    draft  drafts         productions that are being written, and runbooks
    notes                 writes the note of each run that is under way
    plain                 the same data as plain HTML, without scripts
    static/               scripts and styles of the page

Invariant: no route without a right, and none that changes anything by ``GET``. The number of
viewers costs DIRAC nothing.
"""
